"""Between the faces of this pack and the boxes, masks, SEGS and models of others."""
