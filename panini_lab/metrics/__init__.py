"""Quality measures, one a file: images in RGB [0, 1], one number an image out."""
