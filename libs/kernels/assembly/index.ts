export { cellRow } from "./grid";
export { addUpsampled, dense, depthwise, packCells } from "./net";
export { mosaic, obscure } from "./obscure";
export { cellDifferences, columnEdges, columnSteps, levelTiles, rowEdges, rowSteps, rowSums, uprightTiles } from "./profiles";
export { contrastAcross, contrastDown, templateSums, textureSums } from "./scores";
export { eighth, halve, quarter } from "./subsample";
