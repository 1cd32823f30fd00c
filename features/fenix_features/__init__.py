"""Complete project flows of Fenix's maintenance in Gherkin, and the steps that play them over HTTP.

The flows are ``flows/*.feature``. They run against the simulator, started as a process, or any Fenix server:
``fenix-features`` (``python -m fenix_features``), or as a part of this repository's pytest run. Nothing here imports
the simulator or the conformance suite.
"""
