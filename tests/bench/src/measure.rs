//! Measuring in turns: ours, baseline, ours, baseline, … and the median of the quotients.

use std::time::{Duration, Instant};

/// Rounds, and how long one side runs in each.
const ROUNDS: usize = 15;
const TURN: Duration = Duration::from_millis(200);

/// Prints one line.
pub fn ratio(name: &str, mut ours: impl FnMut(), mut baseline: impl FnMut()) {
    rate(&mut ours);
    rate(&mut baseline);
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (rate(&mut ours), rate(&mut baseline))).collect();
    rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (ours, baseline) = rounds[ROUNDS / 2];
    println!("ratio {name} {ours:.0} {baseline:.0} {:.2}", ours / baseline);
}

/// Runs per second over one turn.
fn rate(run: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut runs = 0_u32;
    while start.elapsed() < TURN {
        for _ in 0..8 {
            run();
        }
        runs += 8;
    }
    f64::from(runs) / start.elapsed().as_secs_f64()
}
