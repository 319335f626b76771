import type { ClassifierModel, ClassifierTree } from "./classifier.ts";
import type { FeatureName } from "./features.ts";

/** Set by hand; stands until a model trained on the corpus takes its place. */
export const BANNER_MODEL: ClassifierModel = {
  depth: 1,
  bias: -7.5,
  trees: [
    stump("strength", 1.4, -2, 1.5),
    stump("sideCoverage", 0.7, -1.5, 1),
    stump("sideOpposition", 0.15, -0.5, 1),
    stump("bottomCoverage", 0.7, -1.5, 1),
    stump("bottomAgreement", 0.7, -0.5, 1),
    stump("modeShare", 0.4, -2, 1.5),
    stump("modeShare", 0.6, 0, 1),
    stump("rimDistance", 6, 1, -1.5),
    stump("rimRoughness", 4, 1, -1.5),
    stump("neutralShare", 0.6, -1.5, 1),
    stump("detailText", 1.5, -1, 1),
    stump("newShareInside", 0.3, -2, 1),
  ],
};

function stump(feature: FeatureName, threshold: number, below: number, above: number): ClassifierTree {
  return { features: [feature], thresholds: [threshold], answers: [below, above] };
}
