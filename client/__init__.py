"""The client side: the page (`web/`) and a headless client for the shell, the tests and the benchmarks."""
