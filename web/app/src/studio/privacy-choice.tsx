import { useId } from "preact/hooks";
import type { Option } from "./privacy-words.ts";

interface ChoiceProps<T> {
  readonly legend: string;
  readonly options: readonly Option<T>[];
  readonly value: T;
  readonly onChoose: (value: T) => void;
}

/** One of a few, each with its consequence in words. */
export function Choice<T extends string | number>({ legend, options, value, onChoose }: ChoiceProps<T>) {
  const id = useId();
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      <div class="choice-options">
        {options.map((option) => (
          <label key={option.value} class="choice-option">
            <input type="radio" name={id} checked={option.value === value} onChange={() => onChoose(option.value)} />
            <span>
              {option.label}
              <span class="hint">{option.hint}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
