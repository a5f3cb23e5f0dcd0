import DefaultTheme from "vitepress/theme-without-fonts";
import "./style.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ router, siteData }) {
    router.onBeforeRouteChange = (address) => {
      const { base, themeConfig } = siteData.value;
      const { pathname } = new URL(address, "https://site.example");
      const page = pathname.slice(base.length).replace(/\.html$/, "");
      const other = themeConfig.standIns[page];
      if (other === undefined) return;
      router.go(`${base}${other.replace(/index$/, "")}`);
      return false;
    };
  },
};
