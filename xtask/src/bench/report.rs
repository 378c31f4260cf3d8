//! The table of results.

use super::lanes::Lane;
use super::pairs::{Pair, Sample};

/// The table's first lines.
pub(crate) const HEAD: &str = "\
| lane | pairs | ratio (95 % of the median) | CPU ratio | theirs: least, median s | ours: least, median s | theirs, ours MB | goal |
|---|---|---|---|---|---|---|---|
";

/// A lane's line.
pub(crate) fn line(lane: &Lane, pairs: &[Pair]) -> String {
    let ratios = sorted(pairs.iter().map(|pair| pair.theirs.wall_s / pair.ours.wall_s));
    let cpu = sorted(pairs.iter().map(|pair| pair.theirs.cpu_s / pair.ours.cpu_s));
    let (low, high) = interval(&ratios);
    let goal = match lane.goal {
        0.0 => "none".to_owned(),
        goal => format!("{goal:.2}: {}", if median(&ratios) >= goal { "met" } else { "missed" }),
    };
    let side = |of: fn(&Pair) -> Sample| {
        let walls = sorted(pairs.iter().map(|pair| of(pair).wall_s));
        let peak = pairs.iter().map(|pair| of(pair).peak_mb).fold(0.0, f64::max);
        (format!("{:.4}, {:.4}", walls[0], median(&walls)), peak)
    };
    let (theirs, ours) = (side(|pair| pair.theirs), side(|pair| pair.ours));
    format!(
        "| {} | {} | {:.2} ({low:.2}–{high:.2}) | {:.2} | {} | {} | {:.0}, {:.0} | {goal} |\n",
        lane.name,
        pairs.len(),
        median(&ratios),
        median(&cpu),
        theirs.0,
        ours.0,
        theirs.1,
        ours.1
    )
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// Between which values the true median lies with at least 95 % confidence, whatever the values' distribution: so many of
/// the least and of the greatest are left out as a fair coin would seldom exceed.
fn interval(sorted: &[f64]) -> (f64, f64) {
    let n = sorted.len();
    let mut probability = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let (mut left_out, mut tail) = (0, probability);
    while left_out < n / 2 {
        probability *= (n - left_out) as f64 / (left_out + 1) as f64;
        if tail + probability > 0.025 {
            break;
        }
        tail += probability;
        left_out += 1;
    }
    (sorted[left_out], sorted[n - 1 - left_out])
}

#[cfg(test)]
mod tests {
    use super::{interval, median};

    #[test]
    fn the_interval_of_fifteen_leaves_out_three_on_each_side() {
        let values: Vec<f64> = (0..15).map(f64::from).collect();
        assert_eq!(interval(&values), (3.0, 11.0));
        assert_eq!(median(&values), 7.0);
        assert_eq!(interval(&values[..1]), (0.0, 0.0));
        assert_eq!(interval(&values[..6]), (0.0, 5.0));
        assert_eq!(median(&values[..6]), 2.5);
    }
}
