export { mosaic, obscure } from "./obscure";
export { cellDifferences, columnEdges, columnSteps, rowEdges, rowSteps, rowSums } from "./profiles";
export { contrastAcross, contrastDown, templateSums, textureSums } from "./scores";
export { eighth, halve, quarter } from "./subsample";
