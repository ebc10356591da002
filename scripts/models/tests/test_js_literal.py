"""The literal reader takes data and refuses code."""

import unittest

from convert.js_literal import JsLiteralError, exported_object, exported_string

MODULE = "!function(t){module.exports=t()}(function(){return function t(e,r){}({1:[function(e,t,r){t.exports=%s},{}]})});"


class JsLiteral(unittest.TestCase):
    def test_minified_object(self) -> None:
        text = MODULE % r"""{a:-.5,"b c":[1,2e3,!0,!1,null],d:{},e:[],f:'q\'"',g:"\u00e9\n"}"""
        expected = {"a": -0.5, "b c": [1, 2000.0, True, False, None], "d": {}, "e": [], "f": "q'\"", "g": "é\n"}
        self.assertEqual(exported_object(text), expected)

    def test_string(self) -> None:
        self.assertEqual(exported_string(MODULE % '"AAEC=="'), "AAEC==")

    def test_code_is_not_data(self) -> None:
        for literal in ("{a:f()}", "{a:1+1}", "{a:b}", "{a:`x`}", "{a}", "{get a(){}}"):
            with self.subTest(literal), self.assertRaises(JsLiteralError):
                exported_object(MODULE % literal)

    def test_cut_text(self) -> None:
        whole = 't.exports={a:[1,"b"]}'
        for size in range(len(whole)):
            with self.subTest(size), self.assertRaises(JsLiteralError):
                exported_object(whole[:size])

    def test_depth_is_bounded(self) -> None:
        with self.assertRaises(JsLiteralError):
            exported_object(MODULE % ("{a:" * 100 + "1" + "}" * 100))

    def test_nothing_exported(self) -> None:
        with self.assertRaises(JsLiteralError):
            exported_object("var a = 1")
        with self.assertRaises(JsLiteralError):
            exported_string("module.exports=1")


if __name__ == "__main__":
    unittest.main()
