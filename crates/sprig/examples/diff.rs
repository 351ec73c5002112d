use gotmpl::*;
use std::io::BufRead;
fn unjson(s: &str) -> String {
    let v: serde_json::Value = serde_json::from_str(s).unwrap();
    v.as_str().unwrap().to_owned()
}
struct H(u8);
impl Host for H {
    fn method(&self, _: &Value, _: &str) -> Option<&'static Function> {
        None
    }
    fn random(&mut self, _: &'static str, b: &mut [u8]) -> Result<(), CallError> {
        for x in b {
            self.0 = self.0.wrapping_mul(77).wrapping_add(113);
            *x = self.0
        }
        Ok(())
    }
    fn now(&mut self, _: &'static str) -> Result<i64, CallError> {
        Ok(1_700_000_000)
    }
    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
fn main() {
    for line in std::io::stdin().lock().lines() {
        let t = unjson(&line.unwrap());
        let f: Vec<Function> =
            manifestd_sprig::functions().into_iter().chain(builtins::FUNCTIONS.iter().copied()).collect();
        let f = &f[..];
        let num = |n: &str| f.iter().position(|x| x.name == n);
        let m = |e: Vec<(&str, Value)>| Value::Map(Map::any(e.into_iter().map(|(k, v)| (k.into(), v))));
        let dot = m(vec![
            ("s", "hello".into()),
            ("i", 3.0.into()),
            ("b", false.into()),
            ("nul", Value::Nil),
            ("lst", List::any(vec!["c".into(), "a".into(), "b".into()]).into()),
            (
                "m",
                m(vec![
                    ("b", 2.0.into()),
                    ("a", 1.0.into()),
                    ("c", m(vec![("d", m(vec![("e", 5.0.into())]))])),
                ]),
            ),
            ("em", m(vec![])),
            ("n", Value::int(7)),
            ("u", "é<&'\"=\0x".into()),
            ("strs", Value::strings(["x", "y"])),
            ("i64", Value::int64(9)),
            ("f", 2.5.into()),
            ("el", List::any(vec![]).into()),
            ("ints", List::new(ListType::Ints, vec![Value::int(1), Value::int(2)]).into()),
        ]);
        let r = (|| -> Result<String, String> {
            let mut set = Set::new();
            for t in parse("t", &t, &num).map_err(|e| e.to_string())? {
                set.add(t);
            }
            let mut h = H(1);
            let o = Machine::new(f, std::rc::Rc::new(set), &mut h)
                .execute("t", &dot)
                .map_err(|e| e.to_string())?;
            Ok(String::from_utf8_lossy(&o).into_owned())
        })();
        println!(
            "{}",
            match r {
                Ok(o) => serde_json::json!({"out":o}),
                Err(e) => serde_json::json!({"err":e}),
            }
        );
    }
}
