import { type Signal, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { DirectoryPage } from "./directory/directory-page.tsx";
import { route } from "./router.ts";
import { nextTheme, theme } from "./theme.ts";
import { Icon, type IconName } from "./ui/icon.tsx";
import { WatchPage } from "./watch/watch-page.tsx";

/** Loaded when first visited: viewers never pay for the studio. */
const studioPage: Signal<ComponentType | undefined> = signal(undefined);

/** The frame around every page. */
export function App() {
  const current = route.value;
  return (
    <>
      <a class="skip-link" href="#content">
        Skip to the content
      </a>
      <header class="site-header">
        <a class="brand" href="/">
          <BrandMark />
          <span>Kagami</span>
        </a>
        <nav aria-label="Site">
          <a href="/" aria-current={current.page === "directory" ? "page" : undefined}>
            Channels
          </a>
          <a href="/studio" aria-current={current.page === "studio" ? "page" : undefined}>
            Studio
          </a>
        </nav>
        <ThemeButton />
      </header>
      <main id="content" tabIndex={-1}>
        <CurrentPage />
      </main>
    </>
  );
}

function CurrentPage() {
  const current = route.value;
  switch (current.page) {
    case "directory":
      return <DirectoryPage />;
    case "watch":
      return <WatchPage key={current.name} name={current.name} />;
    case "studio":
      return <LazyStudio />;
    case "not-found":
      return <NotFound />;
    default:
      return current satisfies never;
  }
}

function LazyStudio() {
  useEffect(() => {
    document.title = "Studio · Kagami";
    import("./studio/studio-page.tsx")
      .then((module) => {
        studioPage.value = module.StudioPage;
      })
      .catch(() => location.reload()); // the files were replaced by a newer version
  }, []);
  const Page = studioPage.value;
  return Page === undefined ? <p class="page-note">Loading the studio</p> : <Page />;
}

function NotFound() {
  return (
    <div class="page page-note">
      <h1>There is nothing here</h1>
      <p>
        See <a href="/">who is live</a>.
      </p>
    </div>
  );
}

const THEME_ICONS: Readonly<Record<string, { icon: IconName; label: string }>> = {
  auto: { icon: "theme-auto", label: "Colours: as the system" },
  light: { icon: "theme-light", label: "Colours: light" },
  dark: { icon: "theme-dark", label: "Colours: dark" },
};

function ThemeButton() {
  const { icon, label } = THEME_ICONS[theme.value] ?? { icon: "theme-auto", label: "Colours" };
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={nextTheme}>
      <Icon name={icon} />
    </button>
  );
}

function BrandMark() {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <circle cx="16" cy="16" r="13" class="brand-rim" />
      <path d="M8.5 17a8 8 0 0 1 8-8.5" class="brand-glint" />
    </svg>
  );
}
