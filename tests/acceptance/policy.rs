//! Policies through the binary, with evidence as the simulator makes it.
