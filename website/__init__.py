"""What the documentation site has besides the pages under docs/: the reference, made of the code when the site is built."""
