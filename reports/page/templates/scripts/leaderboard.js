// leaderboard: which way of measuring
all(".measure").forEach((measure, number) => {
  const charts = all(".forest", measure.closest(".board"));
  const pick = () => charts.forEach((chart, i) => { chart.hidden = i !== measure.selectedIndex; });
  measure.addEventListener("change", pick);
  keepValue(`measure.${number}`, measure);
  pick();
});
