"""A strict fake of the AWS services that Footman uses: see ../README.md."""
