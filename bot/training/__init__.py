"""The study's other tasks: sentiment, attention, and teaching the models."""
