import { useId, useState } from "preact/hooks";
import { CopyButton } from "./copy-button.tsx";
import { Icon } from "./icon.tsx";

interface CopyFieldProps {
  readonly label: string;
  readonly value: string;
  /** Hidden until asked for, as keys are. */
  readonly isSecret?: boolean;
  readonly hint?: string;
}

/** A value to be read and copied, with its name above. */
export function CopyField({ label, value, isSecret, hint }: CopyFieldProps) {
  const id = useId();
  const [isShown, setShown] = useState(false);
  const name = label.toLowerCase();
  const common = {
    id,
    class: "mono",
    value,
    readOnly: true,
    spellcheck: false,
    autocomplete: "off",
    "aria-describedby": hint === undefined ? undefined : `${id}-hint`,
    onFocus: (event: { readonly currentTarget: HTMLInputElement }) => event.currentTarget.select(),
  } as const;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field-row">
        {isSecret === true && !isShown ? <input {...common} type="password" /> : <input {...common} type="text" />}
        {isSecret === true && (
          <button
            type="button"
            class="icon-button"
            aria-pressed={isShown}
            aria-label={`Show ${name}`}
            title={`Show ${name}`}
            onClick={() => setShown(!isShown)}
          >
            <Icon name={isShown ? "eye-off" : "eye"} />
          </button>
        )}
        <CopyButton text={value} label={`Copy ${name}`} />
      </div>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Lines of a shell, wrapped and copied as one. */
export function CopyCommand({ label, command }: { label: string; command: string }) {
  return (
    <div class="field">
      <div class="field-head">
        <span>{label}</span>
        <CopyButton text={command} label={`Copy ${label.toLowerCase()}`} />
      </div>
      <pre class="command">
        <code>{command}</code>
      </pre>
    </div>
  );
}
