"""The core: pure, event-sourced, without clock, randomness, threads or I/O."""
