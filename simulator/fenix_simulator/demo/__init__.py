"""The main job in one go: a simulated cloud, sample VNFMs and a whole rolling maintenance, shown live."""
