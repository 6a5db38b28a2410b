@WEIGHTS = private unnamed_addr constant [2 x double] [double 0x3FE0000000000000, double 0x3FD0000000000000]
declare double @llvm.fma.f64(double, double, double)
declare double @llvm.floor.f64(double)
declare double @llvm.ceil.f64(double)
declare double @llvm.sqrt.f64(double)
declare double @llvm.fabs.f64(double)
define internal double @slope.0(ptr noalias %Z, i64 %Z.0, i64 %j) alwaysinline #0 {
entry:
  %.1 = getelementptr inbounds double, ptr %Z, i64 %j
  %.2 = load double, ptr %.1
  %.3 = getelementptr inbounds double, ptr @WEIGHTS, i64 0
  %.4 = load double, ptr %.3
  %.5 = call double @llvm.fma.f64(double 0xBFB999999999999A, double %.2, double %.4)
  ret double %.5
}
define internal { double, i64 } @halved.1(ptr noalias %Z, i64 %Z.0, i64 %j, i64 %turns) #0 {
entry:
  %turns.slot = alloca i64
  %step.slot = alloca double
  store i64 %turns, ptr %turns.slot
  store double 0x3FF0000000000000, ptr %step.slot
  br label %while.1
while.1:
  %.5 = call double @slope.0(ptr %Z, i64 %Z.0, i64 %j)
  %.6 = call double @llvm.fabs.f64(double %.5)
  %.7 = load double, ptr %step.slot
  %.8 = fcmp ogt double %.6, %.7
  br i1 %.8, label %further.9, label %known.4
further.9:
  %.10 = load i64, ptr %turns.slot
  %.11 = icmp slt i64 %.10, 60
  br label %known.4
known.4:
  %.12 = phi i1 [ false, %while.1 ], [ %.11, %further.9 ]
  br i1 %.12, label %do.2, label %after.3
do.2:
  %.13 = load double, ptr %step.slot
  %.14 = fmul double %.13, 0x3FE0000000000000
  store double %.14, ptr %step.slot
  %.15 = load i64, ptr %turns.slot
  %.16 = add i64 %.15, 1
  store i64 %.16, ptr %turns.slot
  br label %while.1
after.3:
  %.17 = load double, ptr %step.slot
  %.18 = load i64, ptr %turns.slot
  %.19 = insertvalue { double, i64 } poison, double %.17, 0
  %.20 = insertvalue { double, i64 } %.19, i64 %.18, 1
  ret { double, i64 } %.20
}
define i64 @run(ptr noalias %Z, i64 %Z.0, ptr noalias %marks, i64 %marks.0, i64 %marks.1, double %accuracy, i64 %n) #0 {
entry:
  br label %for.1
for.1:
  %.5 = phi i64 [ 0, %entry ], [ %.5.next, %next.3 ]
  %.6 = icmp slt i64 %.5, 16
  br i1 %.6, label %do.2, label %after.4
do.2:
  %.7 = call double @slope.0(ptr %Z, i64 %Z.0, i64 %.5), !llvm.access.group !3
  %.8 = fcmp olt double %.7, %accuracy
  %.9 = select i1 %.8, double %.7, double %accuracy
  %.10 = add i64 16, %.5
  %.11 = getelementptr inbounds double, ptr %Z, i64 %.10
  store double %.9, ptr %.11, !llvm.access.group !3
  br label %next.3
next.3:
  %.5.next = add nsw i64 %.5, 1
  br label %for.1, !llvm.loop !5
after.4:
  br label %for.12
for.12:
  %.16 = phi i64 [ 0, %after.4 ], [ %.16.next, %next.14 ]
  %.17 = icmp slt i64 %.16, %n
  br i1 %.17, label %do.13, label %after.15
do.13:
  %.18 = getelementptr inbounds double, ptr %Z, i64 %.16
  %.19 = load double, ptr %.18
  %.20 = fcmp ogt double %.19, 0x3FF0000000000000
  %.21 = xor i1 %.20, true
  %.22 = mul nsw i64 0, %marks.1
  %.23 = add nsw i64 %.22, %.16
  %.24 = getelementptr inbounds i8, ptr %marks, i64 %.23
  %.25 = zext i1 %.21 to i8
  store i8 %.25, ptr %.24
  %.26 = mul nsw i64 0, %marks.1
  %.27 = add nsw i64 %.26, %.16
  %.28 = getelementptr inbounds i8, ptr %marks, i64 %.27
  %.29 = load i8, ptr %.28
  %.30 = trunc i8 %.29 to i1
  br i1 %.30, label %then.31, label %else.32
then.31:
  br label %next.14
else.32:
  br label %after.33
after.33:
  %.34 = call { double, i64 } @halved.1(ptr %Z, i64 %Z.0, i64 %.16, i64 0)
  %.35 = extractvalue { double, i64 } %.34, 0
  %.36 = extractvalue { double, i64 } %.34, 1
  %.37 = getelementptr inbounds double, ptr %Z, i64 %.16
  store double %.35, ptr %.37
  %.38 = icmp eq i64 %.36, 60
  br i1 %.38, label %then.39, label %else.40
then.39:
  ret i64 %.16
else.40:
  br label %after.41
after.41:
  br label %next.14
next.14:
  %.16.next = add nsw i64 %.16, 1
  br label %for.12, !llvm.loop !6
after.15:
  ret i64 %n
}
attributes #0 = { nounwind "prefer-vector-width"="512" }
!0 = !{!"llvm.loop.interleave.count", i32 2}
!1 = !{!"llvm.loop.unroll.disable"}
!2 = !{!"llvm.loop.interleave.count", i32 1}
!3 = distinct !{}
!4 = !{!"llvm.loop.parallel_accesses", !3}
!5 = distinct !{!5, !0, !1, !4}
!6 = distinct !{!6, !0}
