"""The judge: what a Fenix server and a VNFM must do, the checks that find out, and the reports that say so.

It speaks HTTP only and shares no code with the simulator: a suite that shares code with the server it judges shares
its errors.
"""
