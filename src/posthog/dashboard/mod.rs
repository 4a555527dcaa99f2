//! A dashboard for PostHog over the events of this program.
//!
//! Source: PostHog's repository. `POST /api/projects/:id/dashboards/create_from_template_json/` takes
//! a template (`dashboard_template_schema.json`); a query in SQL draws a graph when `chartSettings`
//! names its axes; `{filters}` is where the dates of the dashboard go.

mod insights;

use serde_json::{Value, json};

pub use insights::INSIGHTS;

/// Name of the dashboard.
pub const NAME: &str = "Coding agents";
/// Number of days that the dashboard shows at first.
const DAYS: u32 = 30;
/// Columns and rows of a tile in PostHog's grid.
const WIDTH: usize = 6;
const HEIGHT: usize = 5;
/// Columns of PostHog's grid.
const GRID: usize = 12;

/// A query, and the way to draw its result.
#[derive(Clone, Copy, Debug)]
pub struct Insight {
    /// Name of the tile.
    pub name: &'static str,
    /// One or two sentences: the question that the tile answers, and how to read it.
    pub description: &'static str,
    /// The way to draw the result.
    pub display: Display,
    /// The query in `HogQL`, the SQL of PostHog.
    pub query: &'static str,
}

/// The way to draw the result of a query.
#[derive(Clone, Copy, Debug)]
pub enum Display {
    /// As a table.
    Table,
    /// A line for each of the columns `y`.
    Lines {
        /// Column along the axis.
        x: &'static str,
        /// Columns with numbers.
        y: &'static [&'static str],
    },
    /// A bar for each row, with the height of the columns `y`.
    Bars {
        /// Column along the axis.
        x: &'static str,
        /// Columns with numbers.
        y: &'static [&'static str],
    },
}

/// The dashboard as the body of PostHog's request that creates one.
#[must_use]
pub fn template() -> Value {
    let date_from = format!("-{DAYS}d");
    let tiles = INSIGHTS.iter().enumerate().map(|(index, insight)| {
        json!({
            "type": "INSIGHT",
            "name": insight.name,
            "description": insight.description,
            "query": insight.node(&date_from),
            "layouts": {
                "sm": {
                    "x": index * WIDTH % GRID,
                    "y": index / (GRID / WIDTH) * HEIGHT,
                    "w": WIDTH,
                    "h": HEIGHT,
                },
            },
        })
    });
    json!({
        "template": {
            "template_name": NAME,
            "dashboard_description": "Sessions of coding agents, sent by posthog-llma",
            "dashboard_filters": { "date_from": date_from },
            "tiles": tiles.collect::<Value>(),
            "tags": ["posthog-llma"],
        },
    })
}

impl Insight {
    fn node(&self, date_from: &str) -> Value {
        let mut node = json!({
            "kind": "DataVisualizationNode",
            "source": {
                "kind": "HogQLQuery",
                "query": self.query,
                "filters": { "dateRange": { "date_from": date_from } },
            },
        });
        let (display, x, y) = match self.display {
            Display::Table => return node,
            Display::Lines { x, y } => ("ActionsLineGraph", x, y),
            Display::Bars { x, y } => ("ActionsBar", x, y),
        };
        let columns = y.iter().map(|column| json!({ "column": column }));
        node["display"] = display.into();
        node["chartSettings"] = json!({
            "xAxis": { "column": x },
            "yAxis": columns.collect::<Value>(),
            "showLegend": y.len() > 1,
        });
        node
    }
}
