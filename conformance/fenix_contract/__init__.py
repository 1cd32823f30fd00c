"""What both ends share: the words, the contract's loader and the alarm's codec."""
