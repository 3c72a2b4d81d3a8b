//! How much one client may ask. In: a client's address and the time; out: go on, or for how long to wait. A token
//! bucket for each address (each /64 of IPv6, which is what one customer has); the table of buckets is bounded, and an
//! address that is pushed out of it starts again with a full bucket.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use quick_cache::sync::Cache;
use tokio::time::Instant;

/// Addresses that are remembered: about 1 MiB.
const ADDRESSES: usize = 8192;

/// What is left to an address.
struct Bucket {
    left: f64,
    at: Instant,
}

/// Limits the rate of requests by address.
pub struct RateLimit {
    per_second: f64,
    burst: f64,
    buckets: Cache<u64, Arc<Mutex<Bucket>>>,
}

impl RateLimit {
    /// `per_second` requests on average, `burst` at once; none is limited if `per_second` is 0.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: per_second.into(), burst: burst.into(), buckets: Cache::new(ADDRESSES) }
    }

    /// Takes one request of `address` into account.
    ///
    /// # Errors
    /// The whole seconds after which the next request will be taken.
    pub fn take(&self, address: IpAddr, now: Instant) -> Result<(), u64> {
        if self.per_second <= 0.0 {
            return Ok(());
        }
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Bucket { left: self.burst, at: now })));
        let Ok(bucket) = self.buckets.get_or_insert_with(&network(address), fresh);
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + elapsed * self.per_second).min(self.burst);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - bucket.left) / self.per_second;
        // A rate is at least one in a second, so a wait is never more than one second, rounded up.
        Err(if wait > 1.0 { 2 } else { 1 })
    }
}

/// What is limited as one: an IPv4 address, or the upper half of an IPv6 address.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()) | 0xffff_0000_0000_0000,
        IpAddr::V6(address) => {
            let [.., a, b, c, d, e, f, g, h] = address.to_bits().wrapping_shr(64).to_be_bytes();
            u64::from_be_bytes([a, b, c, d, e, f, g, h])
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, time::Duration};

    use tokio::time::Instant;

    use super::{ADDRESSES, RateLimit};

    #[tokio::test]
    async fn an_address_that_asks_too_often_waits_and_no_other() {
        let limit = RateLimit::new(10, 3);
        let now = Instant::now();
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let taken = |at| (0..5).map(|_| limit.take(one, at)).collect::<Vec<_>>();
        assert_eq!(taken(now), [Ok(()), Ok(()), Ok(()), Err(1), Err(1)]);
        assert_eq!(limit.take(other, now), Ok(()));
        assert_eq!(taken(now + Duration::from_millis(250)), [Ok(()), Ok(()), Err(1), Err(1), Err(1)]);
        assert_eq!(taken(now + Duration::from_secs(9)), [Ok(()), Ok(()), Ok(()), Err(1), Err(1)]);
    }

    #[tokio::test]
    async fn a_network_of_ipv6_counts_as_one() {
        let limit = RateLimit::new(1, 1);
        let now = Instant::now();
        let [one, same, other]: [IpAddr; 3] =
            ["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"].map(|text| text.parse().unwrap());
        assert_eq!([one, same, other].map(|address| limit.take(address, now)), [Ok(()), Err(1), Ok(())]);
    }

    #[tokio::test]
    async fn the_table_of_addresses_does_not_grow() {
        let limit = RateLimit::new(1, 1);
        let now = Instant::now();
        for address in 0..100_000_u32 {
            let _ = limit.take(IpAddr::from(address.to_be_bytes()), now);
        }
        assert!(limit.buckets.len() <= ADDRESSES);
        assert_eq!(RateLimit::new(0, 0).take(IpAddr::from([127, 0, 0, 1]), now), Ok(()));
    }
}
