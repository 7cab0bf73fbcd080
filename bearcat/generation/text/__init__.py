"""Drawing of texts: glyphs, papers, lines, dots and bends, with explicit parameters, and style "drawn" made of them."""
