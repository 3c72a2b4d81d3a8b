//! The timeline: decisions over the range as bars. In: a report; out: what the page draws, in the picture's own units. The
//! tables say the same in numbers; the picture shows where to look.

use prooftrail_result::Timestamp;

use crate::ComplianceReport;

/// How many bars there are.
const BARS: usize = 48;

/// The width of a bar with its gap, and the height of the tallest.
const STEP: usize = 20;
const HEIGHT: usize = 120;

/// One bar.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Bar {
    pub(crate) x: usize,
    pub(crate) releases: usize,
    pub(crate) denials: usize,
    /// Heights and tops, releases at the bottom and denials upon them.
    pub(crate) release_y: usize,
    pub(crate) release_height: usize,
    pub(crate) denial_y: usize,
    pub(crate) denial_height: usize,
}

/// The picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timeline {
    pub(crate) bars: Vec<Bar>,
    /// The most decisions in a bar: what the tallest stands for.
    pub(crate) most: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// The timeline; `None` where there is nothing to draw.
pub(crate) fn timeline(report: &ComplianceReport) -> Option<Timeline> {
    let mut bars = [Bar::default(); BARS];
    let (from, to) = (report.scope.from, report.scope.to);
    for release in &report.releases {
        if let Some(bar) = bars.get_mut(place(from, to, release.time)) {
            bar.releases += 1;
        }
    }
    for denial in &report.denials {
        if let Some(bar) = bars.get_mut(place(from, to, denial.time)) {
            bar.denials += 1;
        }
    }
    let most = bars.iter().map(|bar| bar.releases + bar.denials).max().filter(|most| *most > 0)?;
    for (index, bar) in bars.iter_mut().enumerate() {
        // One decision is visible beside a thousand.
        let scaled = |count: usize| if count == 0 { 0 } else { (count * HEIGHT / most).max(3) };
        bar.x = index * STEP;
        bar.release_height = scaled(bar.releases);
        bar.denial_height = scaled(bar.denials).min(HEIGHT.saturating_sub(bar.release_height).max(3));
        bar.release_y = HEIGHT.saturating_sub(bar.release_height);
        bar.denial_y = bar.release_y.saturating_sub(bar.denial_height);
    }
    let bars = bars.into_iter().filter(|bar| bar.releases + bar.denials > 0).collect();
    Some(Timeline { bars, most, width: BARS * STEP, height: HEIGHT })
}

/// Which bar an instant falls into.
fn place(from: Timestamp, to: Timestamp, time: Timestamp) -> usize {
    let (from, to, time) = (from.unix_millis(), to.unix_millis(), time.unix_millis());
    let (passed, whole) = (i128::from(time) - i128::from(from), i128::from(to) - i128::from(from));
    let bars = i128::try_from(BARS).unwrap_or(1);
    usize::try_from(passed * bars / whole.max(1)).unwrap_or(0).min(BARS - 1)
}

#[cfg(test)]
mod tests {
    use super::{BARS, place};
    use prooftrail_result::Timestamp;

    #[test]
    fn instants_fall_into_bars() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let cases = [(0, 0), (999, 0), (1000, 1), (47_999, BARS - 1), (48_000, BARS - 1), (-5, 0)];
        for (millis, bar) in cases {
            assert_eq!(place(at(0), at(48_000), at(millis)), bar, "{millis}");
        }
    }
}
