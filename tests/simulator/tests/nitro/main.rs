//! The simulated Nitro documents, read back by other people's parsers and, where there are any, beside genuine ones.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod crls;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod genuine;
#[cfg(test)]
mod knobs;
#[cfg(test)]
mod reading;
