/** What an error adds where a format has no form of a cell. */
export const ONNX_HAS_IT = "; ONNX has any cell and activation: write a file that ends in .onnx";
