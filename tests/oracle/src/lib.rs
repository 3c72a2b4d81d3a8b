//! Intel quotes appraised beside dcap-qvl: see `tests/`.
