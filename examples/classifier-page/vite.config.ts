import { pageConfig } from "../page.vite.ts";

export default pageConfig(import.meta.url);
