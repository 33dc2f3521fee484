// Draws the charts and searches the table. The page's policy allows this script and no request.
"use strict";

const specs = JSON.parse(document.getElementById("charts").textContent);
for (const [name, spec] of Object.entries(specs)) {
  // A label may take a third of the width.
  spec.config.axisY = { labelLimit: Math.min(360, document.getElementById(name).clientWidth / 3) };
  vegaEmbed(`#${name}`, spec, {
    actions: false,
    // Expressions are interpreted: the policy forbids eval.
    ast: true,
    bind: `#${name}-controls`,
    defaultStyle: false,
    mode: "vega-lite",
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  }).then(({ view }) => view.addEventListener("click", (_, item) => filterBy(item && item.datum)));
}

// A bar that stands for failed calls has the text that they are found by.
function filterBy(datum) {
  const text = datum && (datum.filter || datum.day);
  const field = document.getElementById("search");
  if (!text || !field) return;
  field.value = field.value === text ? "" : text;
  field.dispatchEvent(new Event("input"));
  field.closest("section").scrollIntoView();
}

const search = document.getElementById("search");
if (search) {
  const found = document.getElementById("found");
  const rows = [...document.querySelectorAll("#failures tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/);
    let shown = 0;
    rows.forEach((row, number) => {
      row.hidden = !words.every((word) => texts[number].includes(word));
      shown += !row.hidden;
    });
    found.textContent = `${shown} of ${rows.length}`;
  });
}
