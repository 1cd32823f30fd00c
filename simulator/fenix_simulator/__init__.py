"""A Fenix, simulated: the server whose maintenance sessions unmodified VNFMs can take part in."""

__version__ = "0.1.0"
