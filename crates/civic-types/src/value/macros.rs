/// Builds a [`Value`](crate::Value) from JSON-like text.
///
/// Whatever is not `null`, a list or a map is any Rust expression that converts into a value.
///
/// ```
/// use civic_types::value;
///
/// let n = 2;
/// let pump = value!({"status": "dry", "needs": n + 1, "crew": ["Åsa", "Ali"], "note": null});
/// assert_eq!(pump["crew"][1], value!("Ali"));
/// ```
#[macro_export]
macro_rules! value {
    (null) => { $crate::Value::Null };
    ([ $($items:tt)* ]) => { $crate::Value::List($crate::__value_list!([] $($items)*)) };
    ({ $($pairs:tt)* }) => {{
        #[allow(unused_mut, reason = "an empty map is not changed")]
        let mut map = $crate::Map::new();
        $crate::__value_map!(map $($pairs)*);
        $crate::Value::Map(map)
    }};
    ($other:expr) => { $crate::Value::from($other) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __value_list {
    ([ $($done:expr,)* ]) => { ::std::vec![$($done,)*] };
    ([ $($done:expr,)* ] null $(, $($rest:tt)*)?) => {
        $crate::__value_list!([ $($done,)* $crate::value!(null), ] $($($rest)*)?)
    };
    ([ $($done:expr,)* ] [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $crate::__value_list!([ $($done,)* $crate::value!([ $($inner)* ]), ] $($($rest)*)?)
    };
    ([ $($done:expr,)* ] { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::__value_list!([ $($done,)* $crate::value!({ $($inner)* }), ] $($($rest)*)?)
    };
    ([ $($done:expr,)* ] $next:expr $(, $($rest:tt)*)?) => {
        $crate::__value_list!([ $($done,)* $crate::value!($next), ] $($($rest)*)?)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __value_map {
    ($map:ident) => {};
    ($map:ident $key:tt : null $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::value!(null));
        $crate::__value_map!($map $($($rest)*)?);
    };
    ($map:ident $key:tt : [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::value!([ $($inner)* ]));
        $crate::__value_map!($map $($($rest)*)?);
    };
    ($map:ident $key:tt : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::value!({ $($inner)* }));
        $crate::__value_map!($map $($($rest)*)?);
    };
    ($map:ident $key:tt : $value:expr $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::value!($value));
        $crate::__value_map!($map $($($rest)*)?);
    };
}
