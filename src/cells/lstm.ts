import { add, mul, sigmoid, tanh } from "../math/expression.ts";
import { defineCell } from "./define.ts";

/** plain for now */
export const lstm = () =>
	defineCell({
		name: "lstm",
		gates: { i: sigmoid, f: sigmoid, g: tanh, o: sigmoid },
		state: ["h", "c"],
		step({ i, f, g, o }, previous) {
			const c = add(mul(f, previous.c), mul(i, g));
			const h = mul(o, tanh(c));
			return { h, c };
		},
	});
