"""What a feed is, which of its entries are news, when it is due again. Pure; feedparser stands in `documents` only."""
