//! What issue links cost, by published measurements of a Data Center instance: an issue with 8,249
//! links took 206.1 s whole, 167.2 s with the links alone and 15.2 s without them; below 5,000
//! links it was 7.5 to 12 ms a link.

use std::time::Duration;

/// Milliseconds a link at some numbers of links; between them it is linear, beyond the last as there.
const CURVE: [(f64, f64); 3] = [(0.0, 7.5), (5_000.0, 12.0), (8_249.0, 25.0)];
/// The links of the issue that was measured in parts.
const MEASURED: f64 = 8_249.0;
/// The seconds that it took without its links.
const WITHOUT_LINKS: f64 = 15.2;
/// Its links alone, as a share of the whole.
const LINKS_SHARE: f64 = 167.2 / 206.1;

/// Which part of an issue an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// Every field.
    Whole,
    /// Every field but the links: `*all,-issuelinks`.
    WithoutLinks,
    /// The links, with few or no other fields.
    LinksAlone,
    /// Neither: a listing.
    Neither,
}

/// What serving an issue takes longer because of its links.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LinkCost {
    scale: f64,
}

impl LinkCost {
    /// As it was measured.
    pub fn published() -> Self {
        Self::scaled(1.0)
    }

    /// This many times as long as it was measured: 0.01 for tests; 0 for no time at all.
    pub fn scaled(scale: f64) -> Self {
        Self { scale: if scale.is_finite() { scale.max(0.0) } else { 0.0 } }
    }

    /// The time that an issue with so many links takes.
    pub fn of(&self, links: usize, served: Served) -> Duration {
        let links = links as f64;
        let whole = links * milliseconds_a_link(links) / 1_000.0;
        let seconds = match served {
            Served::Whole => whole,
            Served::WithoutLinks => links * WITHOUT_LINKS / MEASURED,
            Served::LinksAlone => whole * LINKS_SHARE,
            Served::Neither => 0.0,
        };
        Duration::try_from_secs_f64(seconds * self.scale).unwrap_or(Duration::MAX)
    }
}

fn milliseconds_a_link(links: f64) -> f64 {
    for pair in CURVE.windows(2) {
        if let [(from, low), (to, high)] = *pair
            && links <= to
        {
            return low + (high - low) * (links - from) / (to - from);
        }
    }
    CURVE.last().map_or(0.0, |(_, milliseconds)| *milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(links: usize, served: Served) -> f64 {
        LinkCost::published().of(links, served).as_secs_f64()
    }

    #[test]
    fn the_curve_goes_through_what_was_published() {
        for (links, served, expected) in [
            (0, Served::Whole, 0.0),
            (100, Served::Whole, 0.759),
            (2_500, Served::Whole, 24.375),
            (5_000, Served::Whole, 60.0),
            (8_249, Served::Whole, 206.2),
            (8_249, Served::WithoutLinks, 15.2),
            (8_249, Served::LinksAlone, 167.3),
            (20_000, Served::Whole, 500.0),
            (8_249, Served::Neither, 0.0),
        ] {
            let took = seconds(links, served);
            assert!((took - expected).abs() < 0.05, "{links} {served:?}: {took}");
        }
    }

    #[test]
    fn more_links_never_cost_less() {
        let mut before = 0.0;
        for links in (0..12_000).step_by(37) {
            let took = seconds(links, Served::Whole);
            assert!(took >= before);
            before = took;
        }
    }

    #[test]
    fn the_scale_makes_it_short() {
        assert_eq!(LinkCost::scaled(0.01).of(5_000, Served::Whole), Duration::from_millis(600));
        assert_eq!(LinkCost::default().of(5_000, Served::Whole), Duration::ZERO);
        assert_eq!(LinkCost::scaled(f64::NAN).of(5_000, Served::Whole), Duration::ZERO);
    }
}
