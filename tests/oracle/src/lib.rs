//! Intel quotes appraised beside dcap-qvl, and NVIDIA RIMs beside bergshamra-dsig: see `tests/`.
