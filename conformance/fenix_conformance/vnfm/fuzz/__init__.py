"""Made-up scenarios against a VNFM: drawn by hypothesis, played, judged, and shrunk to the smallest that fails."""
