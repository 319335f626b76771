import { expect, test } from "vitest";
import { ViewedPictures } from "./quality-measure.ts";

const REGION = { x: 0, y: 0, width: 8, height: 8 };

/** A letter for each picture: `.` nothing, `?` unsure, `x` a banner, `b` one that reaches back; `#` what is hidden. */
test.each([
  { why: "a banner hides its own pictures alone", said: "..xx.", hidden: "..##." },
  { why: "one that reaches back hides the picture before, which is always held", said: "..b.", hidden: ".##." },
  { why: "an unsure picture holds the one before it as well", said: "..?b.", hidden: ".###." },
  { why: "no picture is held for more than two others", said: ".???b", hidden: "..###" },
  { why: "what has left cannot be hidden any more", said: "?.b", hidden: ".##" },
  { why: "before the first picture there is none", said: "b?b", hidden: "###" },
])("$why", ({ said, hidden }) => {
  const viewed = new ViewedPictures();
  for (const letter of said) {
    viewed.show(letter === "x" || letter === "b" ? [REGION] : [], letter === "b", letter === "?");
  }
  expect(viewed.hidden.map((regions) => (regions.length > 0 ? "#" : ".")).join("")).toBe(hidden);
});
