"""The networks that label semantic roles, and the archives they are read from."""
