//! How often a wrong token may be shown, by address: a small budget that fills again with time. Memory
//! is constant, because addresses share slots. Pure; the time is an argument.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tokens in a row before an address has to wait.
const BUDGET: u32 = 10;
/// How long until one more may be shown.
const REFILL: Duration = Duration::from_secs(6);
/// Addresses that share a slot share its budget: with so many slots, seldom any do.
const SLOTS: usize = 1_024;

/// Who is at the other end of a connection, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller(pub(super) IpAddr);

/// The budgets of all addresses.
#[derive(Debug)]
pub(super) struct Attempts {
    slots: Mutex<Box<[Option<Slot>]>>,
    /// Nobody can choose an address that shares a slot with another's.
    hasher: RandomState,
}

/// What an address has used.
#[derive(Debug, Clone, Copy)]
struct Slot {
    used: u32,
    /// When the first of them is forgotten.
    next: Instant,
}

impl Default for Attempts {
    fn default() -> Self {
        let slots = vec![None; SLOTS].into_boxed_slice();
        Self { slots: Mutex::new(slots), hasher: RandomState::new() }
    }
}

impl Attempts {
    /// How long `address` has to wait before a token of its is looked at again, if it has to.
    pub(super) fn must_wait(&self, address: Option<IpAddr>, now: Instant) -> Option<Duration> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get_mut(self.place(address))?;
        *slot = slot.and_then(|slot| slot.at(now));
        let exhausted = (*slot).filter(|slot| slot.used >= BUDGET)?;
        Some(exhausted.next.saturating_duration_since(now))
    }

    /// Notes that `address` has shown a wrong token.
    pub(super) fn note_wrong(&self, address: Option<IpAddr>, now: Instant) {
        let place = self.place(address);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slots.get_mut(place) else { return };
        *slot = Some(match slot.and_then(|slot| slot.at(now)) {
            None => Slot { used: 1, next: now + REFILL },
            Some(slot) => Slot { used: slot.used.saturating_add(1).min(BUDGET), ..slot },
        });
    }

    fn place(&self, address: Option<IpAddr>) -> usize {
        // A network of IPv6 is one caller's to choose addresses from.
        let network = match address {
            Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
                Some(IpAddr::V6((v6.to_bits() >> 64 << 64).into()))
            }
            Some(IpAddr::V6(v6)) => v6.to_ipv4_mapped().map(IpAddr::V4),
            other => other,
        };
        usize::try_from(self.hasher.hash_one(network) % SLOTS as u64).unwrap_or(0)
    }
}

impl Slot {
    /// What is left of it by then; nothing once all is forgotten.
    fn at(self, now: Instant) -> Option<Self> {
        if now < self.next {
            return Some(self);
        }
        let refills = 1 + now.duration_since(self.next).as_secs() / REFILL.as_secs();
        let used = u64::from(self.used).checked_sub(refills).filter(|used| *used > 0)?;
        let next = self.next + REFILL * u32::try_from(refills).ok()?;
        Some(Self { used: u32::try_from(used).ok()?, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_address_has_a_budget_that_fills_again() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let caller = address("192.0.2.7");
        for _ in 0..BUDGET {
            assert_eq!(attempts.must_wait(caller, start), None);
            attempts.note_wrong(caller, start);
        }
        assert_eq!(attempts.must_wait(caller, start), Some(REFILL));
        let half = start + REFILL / 2;
        assert_eq!(attempts.must_wait(caller, half), Some(REFILL / 2));
        let later = start + REFILL;
        assert_eq!(attempts.must_wait(caller, later), None);
        attempts.note_wrong(caller, later);
        assert_eq!(attempts.must_wait(caller, later), Some(REFILL));
        let hour = start + Duration::from_secs(3_600);
        assert_eq!(attempts.must_wait(caller, hour), None);
    }

    #[test]
    fn others_have_budgets_of_their_own_but_for_a_few() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..BUDGET {
            attempts.note_wrong(address("192.0.2.7"), now);
        }
        let others = (1..=200).map(|n| address(&format!("198.51.100.{n}")));
        let waiting = others.filter(|other| attempts.must_wait(*other, now).is_some()).count();
        assert!(waiting < 10, "{waiting}");
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let attempts = Attempts::default();
        let place = |text| attempts.place(address(text));
        assert_eq!(place("2001:db8:1:2::1"), place("2001:db8:1:2:ffff::9"));
        assert_eq!(place("::ffff:192.0.2.7"), place("192.0.2.7"));
    }
}
