// Reading
export { ChunkDecoder, type ChunkDecoderOptions, MAX_CHUNK_HEADER_BYTES } from "./chunk-decoder.ts";
// Writing
export { type ChunkEncoderOptions, chunkedLength, encodeChunked } from "./chunk-encoder.ts";
export { MAX_TRAILER_BYTES, MAX_TRAILERS, parseTrailerNames } from "./trailers.ts";
