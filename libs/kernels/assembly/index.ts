export { cellRow } from "./grid";
export { addUpsampled, dense, depthwise, packCells } from "./net";
export { mosaic, obscure } from "./obscure";
export { cellDifferences, columnEdges, columnSteps, rowEdges, rowSteps } from "./profiles";
export { contrastAcross, contrastDown, templateSums } from "./scores";
export { eighth, halve, quarter } from "./subsample";
