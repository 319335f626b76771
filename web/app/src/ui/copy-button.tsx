import { useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

const SHOWN_MS = 1_800;

/** Copies `text`. `label` is the whole name of the action, such as "Copy server address". */
export function CopyButton({ text, label, isWordy }: { text: string; label: string; isWordy?: boolean }) {
  const [result, setResult] = useState<"copied" | "failed" | undefined>(undefined);
  const onClick = async () => {
    setResult((await copyText(text)) ? "copied" : "failed");
    setTimeout(() => setResult(undefined), SHOWN_MS);
  };
  const said = result === "copied" ? "Copied" : result === "failed" ? "Select the text and copy it" : "";
  return (
    <>
      <button
        type="button"
        class={isWordy === true ? "button" : "icon-button"}
        aria-label={isWordy === true ? undefined : label}
        title={label}
        onClick={() => void onClick()}
      >
        <Icon name={result === "copied" ? "check" : "copy"} />
        {isWordy === true && <span>{said === "" ? label : said}</span>}
      </button>
      <span class="visually-hidden" aria-live="polite">
        {said}
      </span>
    </>
  );
}

/** The clipboard API exists only on https and localhost; a server on the local network often has neither. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}
