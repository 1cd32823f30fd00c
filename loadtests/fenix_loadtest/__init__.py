"""Load tests for any Fenix server and any VNFM → command ``fenix-loadtest``.

Nothing here is imported by the other packages, and locust (which replaces parts of the standard library when it is
imported) is imported by the processes that generate load only.
"""
