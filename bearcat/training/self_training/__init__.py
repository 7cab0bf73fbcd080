"""Self-training: how images without labels are learnt from, in two rounds with a teacher."""
