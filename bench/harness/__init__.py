"""What bench/run is made of. Python 3.9 and its standard library only."""
