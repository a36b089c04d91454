"""Training of Defocus to Focus: what it guesses, how bright pixels count, and how its pictures are fused."""
