"""Dr.Bokeh's renderer: light is gathered layer by layer, and layers are composed front to back."""
