NAME = "below"
