"""The steps from images to restored images, and what they share; one step a file."""
